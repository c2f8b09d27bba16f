/* kind.c - which of D4RL's kinds is a dataset? */
#include "data/dataset.h"

#include <ctype.h>
#include <string.h>

/* NULL: not a kind that we know. */
static const char *kind_of_text(const char *text)
{
  static const char *const kinds[] = {"random", "medium",        "medium-replay",
                                      "expert", "medium-expert", "full-replay"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(text, kinds[i]) == 0) return kinds[i];
  return NULL;
}

/* From a file name: hopper_medium_replay-v2.hdf5, hopper-mixed.hdf5. */
static const char *kind_of_name(const char *name)
{
  static const char *const words[][2] = {
      /* the longer before the shorter that it contains */
      {"mediumexpert", "medium-expert"},
      {"mediumreplay", "medium-replay"},
      {"mixed", "medium-replay"},
      {"fullreplay", "full-replay"},
      {"medium", "medium"},
      {"expert", "expert"},
      {"random", "random"},
  };
  char letters[256];
  size_t n = 0;
  for (; *name && n < sizeof letters - 1; name++)
    if (isalpha((unsigned char)*name)) letters[n++] = (char)tolower((unsigned char)*name);
  letters[n] = '\0';
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strstr(letters, words[i][0])) return words[i][1];
  return "";
}

const char *dataset_kind(const char *text, const char *name)
{
  const char *kind = kind_of_text(text);
  return kind ? kind : kind_of_name(name);
}
