/* file_stamp.h - sizes and times of the files that something was made from: when one changes, it is made again. */
#ifndef GR_CORPUS_FILE_STAMP_H
#define GR_CORPUS_FILE_STAMP_H

#include "gradroute/corpus.h"

/* text with the size and time of a file, or of every file in a folder, at its end; frees text. path may be NULL. */
char *gr__add_times(char *text, const char *path);

/* The same for all files that a source stands for. */
char *gr__add_source_times(char *text, const gr_source *source);

#endif
