#ifndef TAMIS_CCODECS_H
#define TAMIS_CCODECS_H
#endif
