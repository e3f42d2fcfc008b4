// Package wire is a light XMPP client for tools that load and torture servers.
//
// It knows no more of XMPP than logging in (plain TCP, STARTTLS or direct TLS; SCRAM), binding,
// and stream management. It does not parse XML but cuts the stream into its top-level elements, so
// that it costs less than any server it measures. It shares no code with the server on purpose: what
// both got wrong in the same way no test would find.
package wire
