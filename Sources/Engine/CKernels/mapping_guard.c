#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include "maslin_mapping.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__APPLE__)
#define ANONYMOUS_MAPPING MAP_ANON
#else
#define ANONYMOUS_MAPPING MAP_ANONYMOUS
#endif

// Records form a list that only grows: the handler may walk it at any moment, so a record is never freed, only
// marked as unused (end == 0) and taken again.
struct maslin_guarded_mapping {
  _Atomic uintptr_t start;
  _Atomic uintptr_t end;
  _Atomic uint64_t lost_pages;
  struct maslin_guarded_mapping *next; // set before the record is published
};

static _Atomic(struct maslin_guarded_mapping *) first_record;
static pthread_mutex_t records_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction previous_action;
static uintptr_t page_size;
static int installed;

static struct maslin_guarded_mapping *record_of(uintptr_t address) {
  struct maslin_guarded_mapping *record = atomic_load(&first_record);
  for (; record != NULL; record = record->next) {
    if (address >= atomic_load(&record->start) && address < atomic_load(&record->end)) {
      return record;
    }
  }
  return NULL;
}

static void pass_on(int signal_number, siginfo_t *info, void *context) {
  if (previous_action.sa_flags & SA_SIGINFO) {
    previous_action.sa_sigaction(signal_number, info, context);
    return;
  }
  if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(signal_number);
    return;
  }
  if (previous_action.sa_handler == SIG_IGN && info != NULL && info->si_code <= 0) {
    return; // sent by a process, and whoever was here before ignored it
  }
  // The default action: pending until this handler returns, then the process ends as it would have without us.
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  sigaction(signal_number, &action, NULL);
  raise(signal_number);
}

static void on_bus_error(int signal_number, siginfo_t *info, void *context) {
  // si_code is positive for faults of this thread; only those have an address.
  if (info != NULL && info->si_code > 0) {
    uintptr_t address = (uintptr_t)info->si_addr;
    struct maslin_guarded_mapping *record = record_of(address);
    if (record != NULL) {
      void *page = (void *)(address & ~(page_size - 1));
      void *zeros = mmap(
          page, page_size, PROT_READ, MAP_PRIVATE | MAP_FIXED | ANONYMOUS_MAPPING, -1, 0);
      if (zeros == page) {
        atomic_fetch_add(&record->lost_pages, 1);
        return;
      }
    }
  }
  pass_on(signal_number, info, context);
}

// Called with the lock held.
static int install(void) {
  if (installed) {
    return 1;
  }
  long size = sysconf(_SC_PAGESIZE);
  if (size <= 0) {
    return 0;
  }
  page_size = (uintptr_t)size;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  // Reading the old action first: the handler must never run with `previous_action` unset.
  if (sigaction(SIGBUS, NULL, &previous_action) != 0 || sigaction(SIGBUS, &action, NULL) != 0) {
    return 0;
  }
  installed = 1;
  return 1;
}

static struct maslin_guarded_mapping *unused_record(void) {
  struct maslin_guarded_mapping *record = atomic_load(&first_record);
  for (; record != NULL; record = record->next) {
    if (atomic_load(&record->end) == 0) {
      return record;
    }
  }
  record = calloc(1, sizeof *record);
  if (record != NULL) {
    record->next = atomic_load(&first_record);
    atomic_store(&first_record, record);
  }
  return record;
}

maslin_guarded_mapping *maslin_mapping_guard(const void *address, size_t length) {
  pthread_mutex_lock(&records_lock);
  struct maslin_guarded_mapping *record = install() ? unused_record() : NULL;
  if (record != NULL) {
    uintptr_t start = (uintptr_t)address & ~(page_size - 1);
    uintptr_t end = ((uintptr_t)address + length + page_size - 1) & ~(page_size - 1);
    atomic_store(&record->lost_pages, 0);
    // `end` last: a record without an end matches no address.
    atomic_store(&record->start, start);
    atomic_store(&record->end, end);
  }
  pthread_mutex_unlock(&records_lock);
  return record;
}

void maslin_mapping_release(maslin_guarded_mapping *mapping) {
  pthread_mutex_lock(&records_lock);
  atomic_store(&mapping->end, 0);
  pthread_mutex_unlock(&records_lock);
}

uint64_t maslin_mapping_lost_pages(const maslin_guarded_mapping *mapping) {
  return atomic_load(&mapping->lost_pages);
}
