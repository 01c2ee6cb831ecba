#include <cblas.h>

/* LAPACK lives in libopenblas, but Debian ships no lapacke.h: the one Fortran routine we call.
   Eigenvalues (ascending) and eigenvectors of a symmetric matrix by divide and conquer.
   The trailing lengths are the hidden Fortran lengths of jobz and uplo. */
void dsyevd_(const char *jobz, const char *uplo, const blasint *n, double *a, const blasint *lda, double *w,
             double *work, const blasint *lwork, blasint *iwork, const blasint *liwork, blasint *info,
             size_t jobz_length, size_t uplo_length);
