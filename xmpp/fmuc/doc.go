// Package fmuc makes rooms of several nodes one (XEP-0289): who enters one of them is seen in all, and what is said in
// one is heard in all, while each line crosses each link once.
//
// # Between nodes of our kind
//
// Two Longwire nodes know each other by an <s/> in <fmuc/>, which others pass over. From then on lines have numbers
// (package lines), occupants go in digests (package crowd), and what got lost is made up for:
//
//	author's node ─ numbers the line ─▶ archive ─▶ queue ─▶ peer: the next one? ─ yes ─▶ its archive, its other peers
//	                                     ▲                    └─ a gap: dropped, and asked for once
//	                                     └── what a peer lacks is sent again from here, in this order
//
// A digest is one presence from room to room. It says who came and left, and may ask (v: what the sender has) and answer
// (w: what the sender wants of that). It never expires, and the one that waits is replaced, so it is what is left of a
// long outage: when a line expires or finds no room in the queue, the peer is behind, gets no more lines, and is asked how
// far it got. That is asked as well with each join, with the first stanza to or from a peer after a start of the program, and
// at a gap; never by the clock. So a node whose flash was set back to an old copy is brought level like one that was away.
//
//   - Primary–primary: the node of the author numbers a line. Primary–replica: the top does, when it passes the line on. A line
//     of a foreign peer gets its number where it comes in.
//   - Numbers and archive change in one operation. A number is given once: each start of the program has a name of its own
//     for its numbers. The first line under a name says which one it follows, and how far that went: whoever lacks the end of that takes
//     it for a gap, unless it is gone. So an author's lines are in order in all archives, but for those of a node that was set back: what
//     it had said and lost comes back to it, and through it to others, late.
//   - Nothing is sent to a room in which nobody is, nor to one that is not joined; it catches up when somebody comes.
//   - How available somebody is (away, a status) does not cross: on these links it costs more than it tells.
//   - Lines said before federation was enabled have no numbers and stay where they were said.
//   - At the first contact a room wants the other's last 20 lines, or what its configuration says (history); with "only the
//     last N" at each time. What does not come, like what the archive has pruned, is forgone, and never asked for again.
//   - A subject that comes late, and was replaced meanwhile, is not set again.
//
// # With other servers
//
// By the standard the answer to a join, and what is made up for behind it, is one burst: those who are there, up to 500 lines of the past,
// the subject. Nothing tells the sender how much of it has arrived, so that it cannot go in parts. The peer's queue (queue_entries) must
// take all of it at once; in one that does not, the federation breaks at each join, and last_n or history must bound the lines.
package fmuc
