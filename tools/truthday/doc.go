// Package truthday plays a day on an HF link between two nodes, in simulated time, and holds what is said of messages against what
// has become of them: the state of each must be true whenever it is asked for, and the forecasts good.
//
// Both nodes are what firmware/node makes of store, router, s2s, links and delivery; between them are two whole STANAG 5066 stations on a
// simulated channel, whose rate changes every few hours, and which is dead at times.
//
//	go test ./tools/truthday -v -timeout 30m -day 24h     (a minute or two; 96h are 10,000 messages)
package truthday
