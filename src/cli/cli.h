/* cli.h - what the verbs share: exit codes, one line of error, interruption. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <mopo/mopo.h>

#if defined(__GNUC__)
#define CLI_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CLI_PRINTF(f, a)
#endif

enum {
  EXIT_DONE = 0,
  EXIT_RUN = 1, /* output, memory, disk */
  EXIT_USAGE = 2,
  EXIT_INPUT = 3,   /* bad input file, or data that does not fit the task */
  EXIT_NUMERIC = 4, /* a loss is no longer finite */
  EXIT_ABSENT = 5,  /* built without the part that is asked for */
  EXIT_AGAIN = 75,  /* EX_TEMPFAIL: a scheduler's warning (USR1, USR2, XCPU): run me again */
  EXIT_SIGNAL = 128 /* + the signal */
};

int cmd_train(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_collect(int argc, char **argv);
int cmd_data(int argc, char **argv);
int cmd_model(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_ope(int argc, char **argv);
int cmd_tune(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_render(int argc, char **argv);
int cmd_reproduce(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_sweep(int argc, char **argv);

/* Prints `mopo: message` to stderr and returns code. */
int cli_fail(int code, const char *fmt, ...) CLI_PRINTF(2, 3);
/* The same for a failed call of the library: its message, and the exit code that its status has. */
int cli_status(mopo_status st, const mopo_error *err);
/* The same of a call that --resume can take up again, which is said. */
int cli_resumable(mopo_status st, const mopo_error *err);

/* Can `path` be read? EXIT_DONE, or EXIT_INPUT with a message. */
int cli_input(const char *path);
/* The same; a directory stands for its file `inside`, whose path then replaces it. */
int cli_input_inside(char *path, size_t size, const char *inside);

/* The same of a dataset: Minari's directory stands for its data/main_data.hdf5. */
int cli_dataset(char *path, size_t size);

/* Before anything is opened: standard streams that are closed lead nowhere, so that no file takes
 * their numbers. False: /dev/null is missing. */
bool cli_streams(void);

/* The exit code after that signal. */
int cli_stopped(int signal);

/* The first SIGINT, SIGTERM, SIGHUP (unless nohup has it), SIGUSR1, SIGUSR2 or SIGXCPU raises the
 * flag that is returned. One that comes a second later, or a second Ctrl-C, ends the program at
 * once. `live`: a live view is drawn, whose last line is for the note that says so. */
const volatile sig_atomic_t *cli_stop_flag(bool live);
/* How wide the terminal is, if there is a live view: the note must not take two lines. */
void cli_live_columns(int columns);
/* That note, once the flag is raised; else "". */
const char *cli_stopping(void);

#endif
