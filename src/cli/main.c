/* main.c - mopo: which verb? */
#include "cli.h"
#include "manual.h"
#include "nearest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const manual_entry verbs[] = {
    {"train", cmd_train, "learn a policy from a dataset", ""},
    {"eval", cmd_eval, "score a policy in a simulated task", ""},
    {"ope", cmd_ope, "judge policies by recorded data alone, without a simulator", ""},
    {"tune", cmd_tune, "learn in several ways and keep what the data say is best", ""},
    {"collect", cmd_collect, "make a dataset: train online in a task and record it", ""},
    {"data", cmd_data, "info, check, convert, merge, relabel: datasets",
     "info check convert merge relabel"},
    {"model", cmd_model, "fit: the dynamics ensemble alone", "fit"},
    {"export", cmd_export, "a policy as C source, ONNX, or safetensors", ""},
    {"render", cmd_render, "film a policy at work", ""},
    {"report", cmd_report, "one HTML page from one or many runs", ""},
    {"sweep", cmd_sweep, "many runs: data x algorithms x settings x seeds, here or on a cluster",
     ""},
    {"reproduce", cmd_reproduce, "the paper's tables: every cell, beside the published numbers",
     "table1 table2 ablation later"},
    {"bench", cmd_bench, "time this machine against what the arithmetic allows", ""},
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

static int print_help(void)
{
  printf("Usage: mopo VERB [options]\n\n"
         "Model-based offline policy optimisation: learns to act from recorded data alone.\n\n");
  for (int i = 0; i < VERBS; i++) printf("  mopo %-9s %s\n", verbs[i].name, verbs[i].help);
  printf("\nmopo VERB --help lists a verb's options; mopo --version tells what this build is.\n");
  return EXIT_DONE;
}

static int print_version(void)
{
  const char *simulator = mopo_simulator_version();
  printf("mopo " MOPO_VERSION " (%s%s, %s kernels)\n", *simulator ? "MuJoCo " : "no simulator",
         simulator, mopo_kernels_name());
  return EXIT_DONE;
}

static int run_verb(int argc, char **argv)
{
  nearest n = {.wanted = argv[1]};
  for (int i = 0; i < VERBS; i++) {
    if (!strcmp(argv[1], verbs[i].name)) return verbs[i].run(argc - 1, argv + 1);
    nearest_try(&n, verbs[i].name);
  }
  nearest_try(&n, "--version");
  nearest_try(&n, "--help");
  char guess[NEAREST_SIZE];
  return cli_fail(EXIT_USAGE, "unknown verb '%s'%s", argv[1],
                  *nearest_guess(guess, &n, "") ? guess : "; mopo --help lists them");
}

/* mopo help [VERB], mopo help --man [VERB], --bash, --zsh. */
static int help(int argc, char **argv)
{
  if (argc > 2 && !strcmp(argv[2], "--man")) {
    if (argc == 3) return manual_page(verbs, VERBS);
    char line[160] = "";
    for (int i = 0; i < VERBS; i++)
      if (!strcmp(argv[3], verbs[i].name)) snprintf(line, sizeof line, "%s", verbs[i].help);
    char *ask[] = {argv[0], argv[3], "--manual-man", line, NULL};
    return run_verb(4, ask);
  }
  if (argc == 3 && !strcmp(argv[2], "--bash")) return manual_bash(verbs, VERBS);
  if (argc == 3 && !strcmp(argv[2], "--zsh")) return manual_zsh(verbs, VERBS);
  if (argc < 3) return print_help();
  char *ask[] = {argv[0], argv[2], "--help", NULL};
  return run_verb(3, ask);
}

int main(int argc, char **argv)
{
  int code = EXIT_DONE;
  if (!cli_streams()) return EXIT_RUN;
  if (argc < 2) return cli_fail(EXIT_USAGE, "want a verb; see mopo --help");
  if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
    code = print_help();
  } else if (!strcmp(argv[1], "--version")) {
    code = print_version();
  } else if (!strcmp(argv[1], "help")) {
    code = help(argc, argv);
  } else {
    code = run_verb(argc, argv);
  }
  if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_DONE)
    code = cli_fail(EXIT_RUN, "standard output: %s", strerror(errno));
  return code;
}
