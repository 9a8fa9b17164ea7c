/* change.h - live changes: what is to be listed, or is not to be, whatever the base says. Where they come from (a command,
 * some day a zone transfer) and how they are kept is their owner's business; what a delta makes of them is told here. */
#ifndef SINKHOLE_CHANGE_H
#define SINKHOLE_CHANGE_H

#include "sinkhole/db.h"

/* One change: what one source, or none, says about one subject.
 *
 * About a subject that there are changes of, this is listed:
 *
 *     what the base lists under it, unless a change takes it away; and what changes add
 *
 * A change with a source takes away what that source lists about the subject in the base, and adds its own, or, if it
 * removes, nothing. Of what is taken away by one that adds, the seconds in which what it adds is not valid are left. One
 * that removes and has no source takes away all that the base lists about it. What is listed about other subjects, above
 * or below, is not touched. */
struct sink_change {
	struct sink_subject subject;
	bool removes;
	enum sink_scope scope; /* of what is added; EXACT for prefixes */
	struct sink_record
		record; /* what is added; of what removes only the source counts, which may be empty */
};

/* All live changes that are to be in force, and the text that their owner keeps of them. */
struct sink_live {
	/* Asked once, when nobody else can publish: what shall be in force?
	 *
	 * before   what was kept of the changes that are in force; empty: there are none
	 * after    what is to be kept; empty: nothing, and `next` is not asked. Borrowed until sink_store_publish()
	 *          returns
	 * returns  SINK_OK; another code ends the publication, and is returned by it */
	int (*take)(void *arg, struct sink_span before, struct sink_why *why,
		struct sink_span *after);
	/* The next of them: those of one subject behind each other, subjects in any order.
	 *
	 * out      its record is borrowed until the next call
	 * returns  SINK_OK; SINK_ENOENT (that was all); another code ends the publication */
	int (*next)(void *arg, struct sink_change *out);
	void *arg;
	bool anew; /* do not look at what is in force: `before` is empty. The way out where that is damaged */
};

#endif
