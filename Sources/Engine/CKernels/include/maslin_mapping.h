// Keeps the process alive when a mapped file is truncated by somebody else.
//
// Reading a page beyond the new end of such a file raises SIGBUS. For registered mappings the handler puts a page of
// zeros in its place and counts it; the reader finds out by asking. Other addresses go to the handler that was there
// before.
#ifndef MASLIN_MAPPING_H
#define MASLIN_MAPPING_H

#include <stddef.h>
#include <stdint.h>

// One watched range of addresses.
typedef struct maslin_guarded_mapping maslin_guarded_mapping;

// Starts to watch the pages of a mapping. Returns NULL when there is no memory for the record or the handler cannot
// be installed.
maslin_guarded_mapping *maslin_mapping_guard(const void *address, size_t length);

// Stops watching. Call it before unmapping.
void maslin_mapping_release(maslin_guarded_mapping *mapping);

// The number of pages that were missing when they were read.
uint64_t maslin_mapping_lost_pages(const maslin_guarded_mapping *mapping);

#endif
