/* screen.h - standard output and standard error, through which nothing from outside steers a terminal.
 *
 * gr__screen_begin puts a filter (base/visible.h) beneath both, so that topics, texts, names of files and tensors, and
 * messages of libraries are shown with their control characters spelt out, whichever command prints them and whether
 * the output is a terminal or a pipe to one. JSON has none; what the command itself draws is written around the filter.
 */
#ifndef GR_CLI_SCREEN_H
#define GR_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Once, before anything is printed. */
void gr__screen_begin(void);

/* Text that was asked for as such, to standard output, now: as it is to files and pipes, spelt out on a terminal. */
void gr__screen_text(const char *text, size_t length);

/* A sequence of the command's own for the terminal (a colour, an erased line), to stdout or stderr, now. */
void gr__screen_control(FILE *stream, const char *sequence);

bool gr__screen_is_terminal(void); /* standard error */

/* A name in a line: line feeds and tabs are spelt out too. Into text[size], which is returned. */
const char *gr__screen_name(char *text, size_t size, const char *name);

#endif
