/* rules.h - a log and the rules of a task file: rewards, ends, and the past that the policy sees.
 */
#ifndef DATA_RULES_H
#define DATA_RULES_H

#include "data/dataset.h"
#include "task/task.h"

/* Rewards and ends of the rows of d, which is not stacked, become what the task's rules say; each
 * only if it is asked for and there is a rule. The end of a row whose successor nobody knows stays.
 * EDATA (no finite reward in a row), ENOMEM. */
MUST_CHECK mopo_status dataset_apply_rules(mopo_dataset *d, const mopo_task *task, bool rewards,
                                           bool ends, mopo_error *err);
/* Counts, in end_rows, ends and first_end, where the rows' ends are not what the task's rule says.
 * EDATA, ENOMEM. */
MUST_CHECK mopo_status dataset_compare_ends(mopo_agreement *out, const mopo_dataset *d,
                                            const mopo_task *task, mopo_error *err);
/* Rows of d that do not lead where the task's limit is kept; 0 where it has none. With `ends` they
 * become ends that pay `least`. ENOMEM. */
MUST_CHECK mopo_status dataset_limit(int64_t *passed, mopo_dataset *d, const mopo_task *task,
                                     bool ends, float least, mopo_error *err);
/* The same rows, observed as history >= 2 of a task file says (task_rules). ENOMEM. */
MUST_CHECK mopo_status dataset_stack(mopo_dataset **out, const mopo_dataset *d, int history,
                                     mopo_error *err);
/* d becomes what the task's policy sees: the same, or stacked. ENOMEM. */
MUST_CHECK mopo_status dataset_see_as(mopo_dataset **d, const mopo_task *task, mopo_error *err);

#endif
