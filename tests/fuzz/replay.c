/* replay.c - the main of a fuzz target without libFuzzer: every file of the directories named, and
 * every beginning of it. At least one file has to be accepted whole: seeds of another version would
 * test the first line of a parser and nothing after it. */
#include "fuzz.h"

#include <dirent.h>

static int accepted; /* whole files */

static int replay(const char *path)
{
  FILE *f = fopen(path, "rb");
  if (!f) return 0;
  fuzz_want(fseek(f, 0, SEEK_END) == 0);
  size_t n = (size_t)ftell(f);
  uint8_t *bytes = malloc(n ? n : 1);
  rewind(f);
  fuzz_want(bytes && fread(bytes, 1, n, f) == n);
  fclose(f);
  for (size_t k = 0; k <= n; k++) {
    uint8_t *cut = malloc(k ? k : 1); /* its own block, so that a sanitizer sees a read past it */
    fuzz_want(cut != NULL);
    memcpy(cut, bytes, k);
    long before = fuzz_accepted();
    LLVMFuzzerTestOneInput(cut, k);
    accepted += k == n && fuzz_accepted() > before;
    free(cut);
  }
  free(bytes);
  return 1;
}

int main(int argc, char **argv)
{
  int files = 0;
  for (int i = 1; i < argc; i++) {
    DIR *d = opendir(argv[i]);
    if (!d) return fprintf(stderr, "%s: no such directory\n", argv[i]), 1;
    for (struct dirent *e; (e = readdir(d));) {
      char path[4096];
      if (e->d_name[0] == '.') continue;
      snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
      files += replay(path);
    }
    closedir(d);
  }
  printf("%d inputs and their beginnings; %d accepted\n", files, accepted);
  return accepted == 0;
}
