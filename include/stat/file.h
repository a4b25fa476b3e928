/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAT_FILE_H
#define STAT_FILE_H
/*
 * file - counters that a "dump stats-file" wrote, for the keeper.
 */

/* stat_file_load - at the first start with a "stats-file" line: the counters of
 * objects that have a guid and have counted nothing yet begin with what the file
 * says. What is wrong with it is said as a warning. All objects have their
 * places. */
void stat_file_load(void);
#endif
