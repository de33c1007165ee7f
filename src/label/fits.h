/* fits.h - scores of classifiers that were fitted before, for classify.c. */
#ifndef GR_LABEL_FITS_H
#define GR_LABEL_FITS_H

#include "gradroute/classify.h"
#include "io/digest.h"

/* The scores kept under the key, count of them; NULL: there are none. fits NULL: nothing is kept. */
const float *gr__fits_find(const gr_fits *fits, const char key[GR_DIGEST_HEX], size_t count);

/* Keeps a copy of score[count] under the key; with fits NULL nothing. */
void gr__fits_keep(gr_fits *fits, const char key[GR_DIGEST_HEX], const float *score, size_t count);

#endif
