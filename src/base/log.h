/* log.h - one-line notes to standard error; GRADROUTE_LOG=0 silences them, 2 adds detail. */
#ifndef GR_BASE_LOG_H
#define GR_BASE_LOG_H

void gr_log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3))); /* level 1 note, 2 detail */
void gr_log_level(int level); /* overrides the environment */

#endif
