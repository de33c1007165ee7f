/* pattern_words.h - \w, \W, \b and \B of a regular expression as `words` of labels know words.
 *
 *     char *text = gr__pattern_words("\\bкот\\w*\\b");        what PCRE2 is to compile; gr_free
 *
 * A word is made of letters, marks, numbers and connectors (Unicode's L, M, N and Pc). PCRE2 leaves out marks and
 * connectors before its version 10.43, so that a vowel sign ends a word in Hindi and the same recipe would label other
 * text with another version of the library.
 */
#ifndef GR_TEXT_PATTERN_WORDS_H
#define GR_TEXT_PATTERN_WORDS_H

char *gr__pattern_words(const char *pattern);

#endif
