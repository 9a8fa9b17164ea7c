/* paused.c - telling of a pause. */
#include "paused.h"

#include "say.h"

struct paused paused_text(const struct sink_manifest *m)
{
	bool is_open = m->paused_until == SINK_PAUSED_OPEN;
	struct paused out;

	snprintf(out.text, sizeof out.text, "since %s until %s", moment(m->paused_since).text,
		is_open ? "'sinkhole resume'" : moment(m->paused_until).text);
	return out;
}

json_t *paused_json(const struct sink_manifest *m)
{
	bool is_open = m->paused_until == SINK_PAUSED_OPEN;

	return json_pack("{s:o,s:o}", "since", json_moment(m->paused_since), "until",
		is_open ? json_null() : json_moment(m->paused_until));
}

/* By what was written, not by the clock: publishing drops a pause that is over. */
void paused_say(const struct sink_manifest *m)
{
	if (m->paused_until != 0)
		say("filtering is paused %s, and stays so: nothing of this is in force before",
			paused_text(m).text);
}
