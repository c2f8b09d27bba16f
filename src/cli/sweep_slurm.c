/* sweep_slurm.c - the units of a sweep as Slurm's array jobs, or as lines for whatever runs lines.
 */
#include "sweep.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Slurm's usual MaxArraySize is 1001: places 0 .. 1000. */
enum { PART = 1000, LIST = 16000 };

static void print_word(FILE *to, const char *word)
{
  putc('\'', to);
  for (; *word; word++) fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, to);
  putc('\'', to);
}

int sweep_lines(const sweep *s)
{
  for (int i = 0; i < s->units; i++) {
    if (sweep_look(s, i).state == UNIT_DONE) continue;
    print_word(stdout, s->program);
    printf(" sweep --dir ");
    print_word(stdout, s->dir);
    printf(" --unit %d\n", i);
  }
  return EXIT_DONE;
}

/* "0-3,7" of the units first .. that are still to be made; their number. */
static int list_units(char *list, const sweep *s, int first, int end)
{
  int n = 0;
  size_t used = 0;
  *list = '\0';
  for (int i = first; i < end; i++) {
    int from = i;
    while (i < end && sweep_look(s, i).state != UNIT_DONE) i++;
    if (i == from) continue;
    n += i - from;
    int k = snprintf(list + used, LIST - used, i - from > 1 ? "%s%d-%d" : "%s%d", used ? "," : "",
                     from - first, i - 1 - first);
    used += k > 0 ? (size_t)k : 0;
  }
  return n;
}

/* The script of one array: the units from `first` on. A signal before the time limit, or a
 * preemption, becomes a checkpoint and exit status 75, after which the task is queued anew; so is
 * one whose process was killed, five times. */
static bool write_script(const sweep *s, const char *path, const char *list, int first,
                         const char *after)
{
  FILE *f = fopen(path, "we");
  if (!f) return false;
  const char *name = NULL, *value = NULL;
  bool cpus = false, output = false;
  fprintf(f, "#!/bin/sh\n#SBATCH --array=%s", list);
  if (s->o->jobs) fprintf(f, "%%%d", s->jobs);
  fprintf(f, "\n#SBATCH --requeue\n#SBATCH --open-mode=append\n#SBATCH --signal=B:TERM@120\n");
  if (*after) fprintf(f, "#SBATCH --dependency=afterany:%s\n", after);
  for (int i = 0; (name = mopo_sweep_option(s->plan, i, &value)); i++) {
    fprintf(f, "#SBATCH --%s=%s\n", name, value);
    cpus = cpus || !strcmp(name, "cpus-per-task");
    output = output || !strcmp(name, "output");
  }
  if (!cpus) fprintf(f, "#SBATCH --cpus-per-task=1\n");
  if (!output) fprintf(f, "#SBATCH --output=%s/slurm/%%A_%%a.out\n", s->dir);
  fprintf(f, "trap 'kill -TERM $unit' TERM\n");
  print_word(f, s->program);
  fprintf(f, " sweep --dir ");
  print_word(f, s->dir);
  fprintf(f, " --unit $((SLURM_ARRAY_TASK_ID + %d)) &\nunit=$!\n", first);
  fprintf(f, "while :; do\n  wait $unit\n  code=$?\n  kill -0 $unit 2> /dev/null || break\ndone\n");
  fprintf(
      f,
      "if [ $code -eq %d ] || { [ $code -gt 128 ] && [ \"${SLURM_RESTART_COUNT:-0}\" -lt 5 ]; }\n"
      "then scontrol requeue \"$SLURM_JOB_ID\"; fi\nexit $code\n",
      EXIT_AGAIN);
  bool ok = !ferror(f);
  return fclose(f) == 0 && ok;
}

/* The first word that `sbatch --parsable` prints; an exit code. */
static int submit(char *job, size_t size, const char *script)
{
  int pipe_of[2], status = 0;
  char text[512];
  if (pipe(pipe_of) != 0) return cli_fail(EXIT_RUN, "sbatch: %s", strerror(errno));
  fflush(stdout), fflush(stderr);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(pipe_of[1], STDOUT_FILENO);
    close(pipe_of[0]), close(pipe_of[1]);
    execlp("sbatch", "sbatch", "--parsable", script, (char *)NULL);
    _exit(127);
  }
  close(pipe_of[1]);
  ssize_t n = 0, got = 0;
  while (pid > 0 && (got = read(pipe_of[0], text + n, sizeof text - 1 - (size_t)n)) > 0) n += got;
  text[n > 0 ? n : 0] = '\0';
  close(pipe_of[0]);
  if (pid < 0 || waitpid(pid, &status, 0) < 0)
    return cli_fail(EXIT_RUN, "sbatch: %s", strerror(errno));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return cli_fail(EXIT_ABSENT, "sbatch: there is no such program; want Slurm, or --engine lines");
  if (status || !isdigit((unsigned char)*text))
    return cli_fail(EXIT_RUN, "sbatch refused %s; its message is above", script);
  snprintf(job, size, "%.*s", (int)strspn(text, "0123456789"), text);
  return EXIT_DONE;
}

/* Jobs of an earlier call that are queued still would make the same units. */
static bool queued(const sweep *s)
{
  char path[SWEEP_PATH], jobs[4096] = "", command[4400], line[16];
  snprintf(path, sizeof path, "%s/slurm/jobs", s->dir);
  FILE *f = fopen(path, "re");
  if (!f) return false;
  bool some = fgets(jobs, sizeof jobs, f) != NULL;
  fclose(f);
  jobs[strspn(jobs, "0123456789,")] = '\0';
  if (!some || !*jobs) return false;
  snprintf(command, sizeof command, "squeue -h -j %s 2> /dev/null", jobs);
  FILE *q = popen(command, "re");
  bool any = q && fgets(line, sizeof line, q) != NULL;
  if (q) pclose(q);
  return any;
}

static bool note_jobs(const sweep *s, const char *jobs)
{
  char path[SWEEP_PATH];
  snprintf(path, sizeof path, "%s/slurm/jobs", s->dir);
  FILE *f = fopen(path, "we");
  if (!f) return false;
  fprintf(f, "%s\n", jobs);
  return fclose(f) == 0;
}

/* Units first .. end-1 as arrays of at most PART; their jobs into `jobs`, "12,13". */
static int submit_stage(const sweep *s, int first, int end, const char *after, char *jobs,
                        size_t size, int *tasks)
{
  for (int at = first; at < end; at += PART) {
    char list[LIST], path[SWEEP_PATH], job[32];
    int last = at + PART < end ? at + PART : end, n = list_units(list, s, at, last);
    if (!n) continue;
    snprintf(path, sizeof path, "%s/slurm/units-%d.sh", s->dir, at);
    if (!write_script(s, path, list, at, after))
      return cli_fail(EXIT_RUN, "%s: %s", path, strerror(errno));
    int code = submit(job, sizeof job, path);
    if (code != EXIT_DONE) return code;
    size_t used = strlen(jobs);
    snprintf(jobs + used, size - used, "%s%s", used ? "," : "", job);
    *tasks += n;
  }
  return EXIT_DONE;
}

int sweep_slurm(const sweep *s)
{
  char path[SWEEP_PATH], models[2048] = "", runs[4096] = "", after[2048], all[6200];
  int tasks = 0, n_models = 0;
  if (queued(s)) {
    printf("the jobs of this sweep are queued; mopo sweep --status %s says how far it is\n",
           s->dir);
    return EXIT_DONE;
  }
  snprintf(path, sizeof path, "%s/slurm", s->dir);
  if (!sweep_log_path(path, s, "../slurm/jobs", "x"))
    return cli_fail(EXIT_RUN, "%s/slurm: %s", s->dir, strerror(errno));
  while (n_models < s->units && sweep_unit(s, n_models).model) n_models++;
  int code = submit_stage(s, 0, n_models, "", models, sizeof models, &tasks);
  snprintf(after, sizeof after, "%s", models);
  for (char *p = after; *p; p++)
    if (*p == ',') *p = ':';
  if (code == EXIT_DONE)
    code = submit_stage(s, n_models, s->units, after, runs, sizeof runs, &tasks);
  snprintf(all, sizeof all, "%s%s%s", models, *models && *runs ? "," : "", runs);
  if (*all && !note_jobs(s, all))
    return cli_fail(EXIT_RUN, "%s/slurm/jobs: %s", s->dir, strerror(errno));
  if (code != EXIT_DONE) return code;
  if (!tasks) return sweep_results(s);
  printf("%d of %d units submitted: %s; mopo sweep --status %s says how far it is\n", tasks,
         s->units, all, s->dir);
  return EXIT_DONE;
}
