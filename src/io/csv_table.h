/* csv_table.h - arrays from a table in a text file: a header line with the columns' names, then one
 * line of cells for each row (RFC 4180). */
#ifndef IO_CSV_TABLE_H
#define IO_CSV_TABLE_H

#include "io/arrays.h"

/* As hdf5_read. columns[i] names the columns that make up arrays[i], in order: "angle,speed", or
 * "obs_#" for obs_0, obs_1, ..., as many as there are; NULL of an array of names ('l'). An array is
 * there if its first column is; the others then have to be. Other columns may hold anything. Cells
 * are numbers, or true and false for 1 and 0; of a key ('k') any text, which becomes its number if
 * all of the column are whole numbers; of a time ('t') a number or a date. A cell that is none is
 * NAN, and `bad` tells of the first. A line with another number of cells than the header is an
 * error or, where `ragged`, a row of NAN. `lines`, `names` and `bad` stay until csv_read returns.
 * EIO, EFORMAT (names the line and the column), ENOMEM. */
MUST_CHECK mopo_status csv_read(const char *path, const char *const *columns, bool ragged,
                                io_array *arrays, int n, const io_sink *sink, mopo_error *err);

#endif
