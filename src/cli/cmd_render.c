/* cmd_render.c - mopo render: film a policy at work. */
#include "cli.h"
#include "json.h"
#include "options.h"

#include <stdio.h>

static const char usage[] = "render POLICY --out FILM.webp|.mp4|.png [options]";
static const char purpose[] =
    "Draws the policy at work in its simulated task; no screen and no graphics card are needed.\n"
    "POLICY is a policy.safetensors or a run directory. The film shows the episodes that mopo "
    "eval\n"
    "runs for the same seed, until --episodes of them have ended or --seconds are full; a .png is\n"
    "one picture of --frames of its frames side by side. --out DIR/events.out.tfevents.film gives\n"
    "TensorBoard --frames images.";

static void print_film(const options *o, const mopo_film *f)
{
  if (o->json) {
    printf("{\"file\":");
    json_text(options_text(o, "out"));
    printf(",\"frames\":%d,\"width\":%d,\"height\":%d,\"fps\":", f->frames, f->width, f->height);
    json_number(f->fps);
    printf(",\"seconds\":");
    json_number(f->seconds);
    printf(",\"episodes\":%d,\"renderer\":", f->episodes);
    json_text(f->renderer);
    printf("}\n");
    return;
  }
  printf("file      %s\n", options_text(o, "out"));
  printf("frames    %d of %d x %d pixels, drawn by %s\n", f->frames, f->width, f->height,
         f->renderer);
  printf("film      %.2f s at %.4g frames/s, %d episode%s\n", f->seconds, f->fps, f->episodes,
         f->episodes == 1 ? "" : "s");
}

static int render(options *o, mopo_policy *p)
{
  mopo_error err;
  mopo_film film;
  mopo_task *task = NULL;
  int code = options_task(&task, o, p);
  if (code != EXIT_DONE) return code;
  mopo_status st = mopo_config_resolve(o->c, mopo_task_facts_of(task)->name, "",
                                       mopo_task_facts_of(task)->act_dim, &err);
  if (st == MOPO_OK) st = mopo_render(&film, p, task, o->c, &err);
  mopo_task_free(task);
  if (st != MOPO_OK) return cli_status(st, &err);
  print_film(o, &film);
  return EXIT_DONE;
}

static int film(options *o)
{
  mopo_policy *p = NULL;
  int code = options_need(o, "out");
  if (code == EXIT_DONE) code = options_policy(&p, o);
  if (code == EXIT_DONE) code = render(o, p);
  mopo_policy_free(p);
  return code;
}

int cmd_render(int argc, char **argv)
{
  options o = {.verb = "render", .usage = usage, .purpose = purpose, .max_args = 1};
  return options_run(&o, argc, argv, film);
}
