/* result.h - result.json: what a finished run has to show. */
#ifndef RUN_RESULT_H
#define RUN_RESULT_H

#include "base/error.h"
#include "run/metrics.h"

/* What a run was made with. */
typedef struct result_build {
  const char *simulator, *kernels;
  const double *r2;         /* [S+1] of the model, reward first (fitlog.h); NULL: there is none */
  const char *const *names; /* [S] of the observations; NULL: obs_0, obs_1, ... */
  int S;
} result_build;

/* What a run was warned of. */
enum { RESULT_WARNINGS = 4, RESULT_TEXT = 240 };
typedef struct result_warnings {
  int n;
  char text[RESULT_WARNINGS][RESULT_TEXT];
} result_warnings;

/* Writes result.json in the run directory `dir`: versions, settings, the returns of the evaluated
 * epochs among rows [count], the last policy's figures, the recorded batch's returns, wall time.
 * A figure that is not finite is null. EIO, ENOMEM. */
MUST_CHECK mopo_status result_write(const char *dir, const result_build *build,
                                    const mopo_config *c, const metrics_row *rows, int count,
                                    const mopo_train_result *r, const result_warnings *warnings,
                                    mopo_error *err);

/* result.json of a ladder: the choice, and every candidate's verdict. EIO, ENOMEM. */
MUST_CHECK mopo_status result_write_ladder(const char *dir, const mopo_tune_result *r,
                                           mopo_error *err);

/* Its word in result.json. */
const char *result_verdict_name(mopo_verdict v);

/* What result.json says; NAN and "" where it says nothing. */
typedef struct result_told {
  double batch_mean, batch_max; /* of the recorded episodes' returns */
  bool judged;                  /* ope is there: verdict, reasons, and its figures */
  mopo_estimate ope;
  result_warnings warnings;
} result_told;
/* EIO, EFORMAT, ENOMEM. */
MUST_CHECK mopo_status result_read(result_told *out, const char *path, mopo_error *err);

#endif
