/* manual.c - see manual.h. */
#include "manual.h"

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ roff */

/* A line of a table: it has two blanks. */
static bool is_row(const char *line)
{
  const char *end = strchr(line, '\n'), *blanks = strstr(line, "  ");
  return blanks && (!end || blanks < end);
}

/* Text as troff prints it unchanged. Lines are filled, except those of a table. */
static void roff(const char *text)
{
  bool table = false;
  for (const char *p = text; *p; p++) {
    bool begins = p == text || p[-1] == '\n';
    if (begins && is_row(p) != table) fputs(table ? ".fi\n" : ".nf\n", stdout), table = !table;
    if (begins && (*p == '.' || *p == '\'')) fputs("\\&", stdout);
    if (*p == '\\')
      fputs("\\e", stdout);
    else if (*p == '-')
      fputs("\\-", stdout);
    else
      putchar(*p);
  }
  if (table) fputs("\n.fi", stdout);
}

static void head(const char *page, const char *title)
{
  printf(".TH %s 1 \"\" \"mopo " MOPO_VERSION "\" \"mopo manual\"\n.SH NAME\n", page);
  roff(title);
  printf("\n");
}

static void page_of_verb(const options *o, const char *help)
{
  option_row r;
  char page[64], title[160];
  snprintf(page, sizeof page, "MOPO\\-%s", o->verb);
  for (char *p = page; *p; p++)
    if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 'a' + 'A');
  snprintf(title, sizeof title, "mopo-%s - %s", o->verb, help);
  head(page, title);
  printf(".SH SYNOPSIS\n.B mopo\n");
  roff(o->usage);
  printf("\n.SH DESCRIPTION\n");
  roff(o->purpose);
  printf("\n.SH OPTIONS\nDefaults are in brackets; auto is decided by the preset, the task and the "
         "data.\n");
  for (int i = 0; options_row(&r, o, i); i++) {
    printf(".TP\n.BI \\-\\-");
    roff(r.name);
    if (*r.metavar) {
      printf(" \" ");
      roff(r.metavar);
      printf("\"");
    }
    printf("\n");
    roff(r.help);
    if (*r.value) {
      printf(" [");
      roff(r.value);
      printf("]");
    }
    printf("\n");
  }
  printf(".SH SEE ALSO\n.BR mopo (1)\n");
}

int manual_page(const manual_entry *verbs, int n)
{
  head("MOPO", "mopo - learns to act from recorded data alone");
  printf(
      ".SH SYNOPSIS\n.B mopo\n.I VERB\n[options]\n.SH DESCRIPTION\n"
      "Model\\-based offline policy optimisation (Yu et al. 2020): learns an ensemble of dynamics "
      "models from a batch of recorded transitions and lets a policy practise in it, with the "
      "reward lowered by the models' uncertainty.\n.SH VERBS\n");
  for (int i = 0; i < n; i++) {
    printf(".TP\n.BR mopo\\-%s (1)\n", verbs[i].name);
    roff(verbs[i].help);
    printf("\n");
  }
  printf(
      ".TP\n.B mopo help \\-\\-bash, mopo help \\-\\-zsh\nprint completion for these shells\n"
      ".SH EXIT STATUS\n0 done; 1 failed while running; 2 wrong usage; 3 bad input file, or data "
      "that does not fit the task; 4 a loss is no longer finite; 5 built without the part that "
      "is asked for; 130, 143 interrupted, with a checkpoint written.\n"
      ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nplain lines on the terminal, no live view\n");
  return EXIT_DONE;
}

/* ------------------------------------------------------------------ what a value may be */

/* The words of "a|b|c", or the tasks; false: anything. */
static bool words_of(char *words, size_t size, const option_row *r)
{
  size_t n = 0;
  *words = '\0';
  if (!*r->metavar) return false;
  if (!strcmp(r->name, "task")) {
    for (int i = 0; mopo_task_at(i); i++)
      n += (size_t)snprintf(words + n, size - n, "%s ", mopo_task_facts_of(mopo_task_at(i))->name);
    snprintf(words + n, size - n, "none");
    return true;
  }
  if (!strchr(r->metavar, '|')) return false;
  snprintf(words, size, "%s", r->metavar);
  for (char *p = words; *p; p++)
    if (*p == '|') *p = ' ';
  return true;
}

static bool is_file(const option_row *r) { return !strcmp(r->metavar, "PATH"); }

/* ------------------------------------------------------------------ bash */

static void bash_of_verb(const options *o)
{
  option_row r;
  char words[512];
  printf("  %s)\n    options='", o->verb);
  for (int i = 0; options_row(&r, o, i); i++) printf("%s--%s", i ? " " : "", r.name);
  printf("'\n    case $before in\n");
  for (int i = 0; options_row(&r, o, i); i++)
    if (words_of(words, sizeof words, &r))
      printf("    --%s) words='%s' ;;\n", r.name, words);
    else if (*r.metavar && !is_file(&r))
      printf("    --%s) words=' ' ;;\n", r.name);
  printf("    esac ;;\n");
}

static int ask_each(const manual_entry *verbs, int n, const char *form)
{
  for (int i = 0; i < n; i++) {
    char verb[32], option[32];
    snprintf(verb, sizeof verb, "%s", verbs[i].name);
    snprintf(option, sizeof option, "--manual-%s", form);
    int code = verbs[i].run(2, (char *[]){verb, option, NULL});
    if (code != EXIT_DONE) return code;
  }
  return EXIT_DONE;
}

int manual_bash(const manual_entry *verbs, int n)
{
  printf("# Completion for mopo in bash, printed by mopo help --bash.\n"
         "_mopo()\n{\n"
         "  local now=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local options= words=\n"
         "  COMPREPLY=()\n"
         "  if [ \"$COMP_CWORD\" = 1 ]; then\n    words='");
  for (int i = 0; i < n; i++) printf("%s ", verbs[i].name);
  printf("help --help --version'\n"
         "  elif [ \"$COMP_CWORD\" = 2 ]; then\n    case $before in\n    help) words='");
  for (int i = 0; i < n; i++) printf("%s ", verbs[i].name);
  printf("--man --bash --zsh' ;;\n");
  for (int i = 0; i < n; i++)
    if (*verbs[i].words) printf("    %s) words='%s' ;;\n", verbs[i].name, verbs[i].words);
  printf("    esac\n  fi\n  case ${COMP_WORDS[1]} in\n");
  int code = ask_each(verbs, n, "bash");
  printf("  esac\n"
         "  if [ \"$COMP_CWORD\" != 1 ] && [[ $now == -* ]]; then words=\"$options $words\"; fi\n"
         "  if [ -n \"$words\" ]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$now\")\n"
         "  else\n"
         "    mapfile -t COMPREPLY < <(compgen -f -- \"$now\")\n"
         "    compopt -o filenames 2> /dev/null\n"
         "  fi\n"
         "}\ncomplete -F _mopo mopo\n");
  return code;
}

/* ------------------------------------------------------------------ zsh */

/* Text within [...] of a specification for _arguments, in single quotes. */
static void zsh_text(const char *text)
{
  for (; *text; text++) {
    if (*text == '\'')
      fputs("'\\'", stdout);
    else if (strchr("[]:\\", *text))
      putchar('\\');
    putchar(*text);
  }
}

static void zsh_of_verb(const options *o)
{
  option_row r;
  char words[512];
  printf("_mopo_%s() {\n  _arguments \\\n", o->verb);
  for (int i = 0; options_row(&r, o, i); i++) {
    printf("    '--%s%s[", r.name, *r.metavar ? "=" : "");
    zsh_text(r.help);
    printf("]");
    if (words_of(words, sizeof words, &r))
      printf(":value:(%s)", words);
    else if (*r.metavar)
      printf(":%s:%s", is_file(&r) ? "file" : "value", is_file(&r) ? "_files" : " ");
    printf("' \\\n");
  }
  printf("    '*:file:_files'\n}\n");
}

int manual_zsh(const manual_entry *verbs, int n)
{
  printf("#compdef mopo\n# Completion for mopo in zsh, printed by mopo help --zsh.\n");
  int code = ask_each(verbs, n, "zsh");
  printf("_mopo() {\n  local -a verbs=(\n");
  for (int i = 0; i < n; i++) {
    printf("    '%s:", verbs[i].name);
    zsh_text(verbs[i].help);
    printf("'\n");
  }
  printf("    'help:print help, manual pages, completion'\n  )\n"
         "  if (( CURRENT == 2 )); then\n    _describe verb verbs\n    return\n  fi\n"
         "  local verb=$words[2]\n  shift words\n  (( CURRENT-- ))\n"
         "  if (( CURRENT == 2 )); then\n    case $verb in\n");
  for (int i = 0; i < n; i++)
    if (*verbs[i].words) printf("    %s) compadd %s; return ;;\n", verbs[i].name, verbs[i].words);
  printf("    esac\n  fi\n"
         "  (( $+functions[_mopo_$verb] )) && _mopo_$verb\n}\n_mopo \"$@\"\n");
  return code;
}

/* ------------------------------------------------------------------ */

void manual_verb(const options *o, const char *form, const char *help)
{
  if (!strcmp(form, "man")) page_of_verb(o, help);
  if (!strcmp(form, "bash")) bash_of_verb(o);
  if (!strcmp(form, "zsh")) zsh_of_verb(o);
}
