/* name.h - names that come from files, made fit to be printed: in a terminal, a message, a page or
 * a source file a name is one line of text and nothing in it speaks to who shows it. */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include <stddef.h>

/* In place: control characters (those of Unicode and its marks of direction, too) and bytes that
 * are not UTF-8 become '?'. Never longer than it was. */
void name_clean(char *text);
/* A copy that is cut, if it has to be, between two characters. */
void name_copy(char *to, size_t size, const char *name);

#endif
