/* render.c - see render.h. */
#include "sim/render.h"

#ifndef MOPO_HAVE_MUJOCO

mopo_status renderer_create(renderer **out, const sim_world *w, int width, int height,
                            mopo_error *err)
{
  (void)w, (void)width, (void)height;
  *out = NULL;
  return error_set(err, MOPO_EABSENT, "built without MuJoCo: nothing to draw");
}
void renderer_free(renderer *r) { (void)r; }
bool renderer_draw(renderer *r, sim *s, unsigned char *rgb)
{
  return (void)r, (void)s, (void)rgb, false;
}
const char *renderer_name(const renderer *r) { return (void)r, ""; }

#else

#include "sim/render_gl.h"
#include "sim/sim_mujoco.h"

#include <stdlib.h>
#include <string.h>

enum { GEOMS_MAX = 1000 };

struct renderer {
  render_gl *gl;
  mjModel *model; /* its own copy: the size of the buffer is kept there */
  mjvScene scene;
  mjvOption option;
  mjvCamera camera;
  mjrContext context;
  int width, height;
  bool has_scene, has_context;
  /* of one picture */
  mjData *data;
  unsigned char *rgb;
};

static void prepare(void *ctx)
{
  renderer *r = ctx;
  mjv_makeScene(r->model, &r->scene, GEOMS_MAX);
  r->has_scene = true;
  mjr_makeContext(r->model, &r->context, mjFONTSCALE_100);
  r->has_context = true;
  mjr_setBuffer(mjFB_OFFSCREEN, &r->context);
}

static bool fits(const renderer *r)
{
  mjrRect most = mjr_maxViewport(&r->context);
  return r->context.currentBuffer == mjFB_OFFSCREEN && most.width >= r->width &&
         most.height >= r->height;
}

mopo_status renderer_create(renderer **out, const sim_world *w, int width, int height,
                            mopo_error *err)
{
  *out = NULL;
  renderer *r = calloc(1, sizeof *r);
  if (!r) return error_set(err, MOPO_ENOMEM, "drawing: no memory");
  r->width = width, r->height = height;
  mjv_defaultScene(&r->scene);
  mjv_defaultOption(&r->option);
  mjv_defaultCamera(&r->camera);
  mjr_defaultContext(&r->context);
  mopo_status st = render_gl_create(&r->gl, err);
  if (st == MOPO_OK) {
    r->model = mj_copyModel(NULL, sim_world_model(w));
    if (!r->model) st = error_set(err, MOPO_ENOMEM, "drawing: no memory");
  }
  if (st == MOPO_OK) {
    r->model->vis.global.offwidth = width;
    r->model->vis.global.offheight = height;
    r->camera.type = mjCAMERA_FIXED;
    r->camera.fixedcamid = mj_name2id(r->model, mjOBJ_CAMERA, "track");
    if (!sim_guard(prepare, r))
      st = error_set(err, MOPO_EABSENT, "%s: MuJoCo cannot draw with it", render_gl_name(r->gl));
    else if (!fits(r))
      st = error_set(err, MOPO_EINVAL, "width x height = %d x %d, too large for %s", width, height,
                     render_gl_name(r->gl));
  }
  if (st != MOPO_OK) {
    renderer_free(r);
    return st;
  }
  *out = r;
  return MOPO_OK;
}

void renderer_free(renderer *r)
{
  if (!r) return;
  if (r->has_context) mjr_freeContext(&r->context);
  if (r->has_scene) mjv_freeScene(&r->scene);
  if (r->model) mj_deleteModel(r->model);
  render_gl_free(r->gl);
  free(r);
}

static void draw(void *ctx)
{
  renderer *r = ctx;
  mjrRect view = {0, 0, r->width, r->height};
  mjv_updateScene(r->model, r->data, &r->option, NULL, &r->camera, mjCAT_ALL, &r->scene);
  mjr_render(view, &r->scene, &r->context);
  mjr_readPixels(r->rgb, NULL, view, &r->context);
}

/* OpenGL's first row is the lowest. */
static void turn_over(unsigned char *rgb, int width, int height)
{
  size_t n = 3 * (size_t)width;
  for (int y = 0; y < height / 2; y++) {
    unsigned char *a = rgb + (size_t)y * n, *b = rgb + (size_t)(height - 1 - y) * n;
    for (size_t i = 0; i < n; i++) {
      unsigned char t = a[i];
      a[i] = b[i], b[i] = t;
    }
  }
}

bool renderer_draw(renderer *r, sim *s, unsigned char *rgb)
{
  r->data = sim_data(s), r->rgb = rgb;
  bool ok = sim_guard(draw, r);
  turn_over(rgb, r->width, r->height);
  return ok;
}

const char *renderer_name(const renderer *r) { return render_gl_name(r->gl); }

#endif
