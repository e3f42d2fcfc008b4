// Package boardtest has hardware made of files: pseudo terminals for serial ports, a tree of folders for GPIO lines, and a whole machine
// with LEDs, keys and USB sticks that come and go.
package boardtest
