/* export_labels.c - what the columns mean, as C: enumerators of their names, whether an observation
 * is within what was recorded, actions in the units of the log. */
#include "agent/export.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { IDENTIFIER = 56 }; /* C99 tells external names apart by 31 characters, others by 63 */

/* "Level 1" becomes LEVEL_1; empty without a letter or digit. */
static void identifier(char *to, const char *name)
{
  size_t n = 0;
  for (; *name && n + 1 < IDENTIFIER; name++) {
    unsigned char c = (unsigned char)*name;
    if (c < 128 && isalnum(c))
      to[n++] = (char)toupper(c);
    else if ((c < 128 || c >= 192) && n && to[n - 1] != '_') /* one for each character */
      to[n++] = '_';
  }
  while (n && to[n - 1] == '_') n--;
  to[n] = '\0';
}

/* Whether an earlier column has the identifier of column i. */
static bool taken(const char *const *names, int i, const char *text)
{
  char other[IDENTIFIER];
  for (int k = 0; k < i; k++) {
    identifier(other, names[k]);
    if (!strcmp(other, text)) return true;
  }
  return false;
}

void export_comment(buffer *out, const char *name)
{
  for (; *name; name++)
    buffer_print(out, "%c",
                 (unsigned char)*name < 128 &&
                         (isalnum((unsigned char)*name) || strchr("-_. ", *name))
                     ? *name
                     : '?');
}

/* Names that are the same to C, or nothing, have their number too, behind a small letter. */
static void print_enum(buffer *out, const char *prefix, const char *const *names, int n)
{
  if (!names) return;
  buffer_print(out, "enum { /* columns */\n");
  for (int i = 0; i < n; i++) {
    char text[IDENTIFIER];
    identifier(text, names[i]);
    buffer_print(out, "  %s%s", prefix, text);
    if (!*text || taken(names, i, text)) buffer_print(out, *text ? "_n%d" : "n%d", i);
    buffer_print(out, ", /* ");
    export_comment(out, names[i]);
    buffer_print(out, " */\n");
  }
  buffer_print(out, "};\n");
}

void export_c_names(buffer *out, const policy_labels *l, int observed, int A)
{
  if (!l || (!l->obs && !l->act)) return;
  print_enum(out, "OBS_", l->obs, observed);
  print_enum(out, "ACT_", l->act, A);
  buffer_print(out, "\n");
}

/* One column of pairs [n,2]; pairs NULL: -1 and 1. */
static void print_column(buffer *out, const char *name, const float *pairs, int n, int k)
{
  buffer_print(out, "static const float policy_%s[%d] = {", name, n);
  for (int i = 0; i < n; i++) {
    buffer_print(out, i % 8 ? " " : "\n  ");
    export_c_float(out, pairs ? pairs[2 * i + k] : k ? 1.0f : -1.0f);
    buffer_print(out, ",");
  }
  buffer_print(out, "\n};\n");
}

static const char in_range[] =
    "\n/* 1: each of obs [POLICY_OBS_DIM] is within what was recorded; 0: the policy was never "
    "told "
    "of\n * such a place. */\n"
    "int policy_in_range(const float *obs);\n"
    "int policy_in_range(const float *obs)\n"
    "{\n"
    "  for (int i = 0; i < POLICY_OBS_DIM; i++)\n"
    "    if (!(obs[i] >= policy_obs_low[i] && obs[i] <= policy_obs_high[i])) return 0;\n"
    "  return 1;\n"
    "}\n\n";

static const char settings[] =
    "\n/* setting [POLICY_ACT_DIM]: act in the units of the recording, from policy_low to "
    "policy_high%s. */\n"
    "void policy_settings(const float *act, float *setting);\n"
    "void policy_settings(const float *act, float *setting)\n"
    "{\n"
    "  for (int i = 0; i < POLICY_ACT_DIM; i++)%s\n"
    "    setting[i] = policy_low[i] + (policy_high[i] - policy_low[i]) * (act[i] + 1.0f) / 2.0f;\n"
    "}\n\n";

static void print_settings(buffer *out, const policy_labels *l, int A)
{
  print_column(out, "low", l->ranges, A, 0);
  print_column(out, "high", l->ranges, A, 1);
  if (!l->is_switch) {
    buffer_print(out, settings, "", "");
    return;
  }
  buffer_print(out, "static const unsigned char policy_switch[%d] = {", A);
  for (int i = 0; i < A; i++) buffer_print(out, i ? ", %d" : "%d", l->is_switch[i]);
  buffer_print(out, "};\n");
  buffer_print(out, settings, ";\n * a switch is policy_high from act = 0 on, else policy_low",
               "\n    if (policy_switch[i])\n"
               "      setting[i] = act[i] >= 0.0f ? policy_high[i] : policy_low[i];\n"
               "    else");
}

void export_c_labels(buffer *out, const policy_labels *l, int observed, int A)
{
  if (l && l->seen) {
    print_column(out, "obs_low", l->seen, observed, 0);
    print_column(out, "obs_high", l->seen, observed, 1);
    buffer_print(out, "%s", in_range);
  }
  if (l && (l->ranges || l->is_switch)) print_settings(out, l, A);
}

size_t export_c_label_bytes(const policy_labels *l, int observed, int A)
{
  size_t n = 0;
  if (l && l->seen) n += 2 * (size_t)observed * sizeof(float);
  if (l && (l->ranges || l->is_switch)) n += 2 * (size_t)A * sizeof(float);
  if (l && l->is_switch) n += (size_t)A;
  return n;
}
