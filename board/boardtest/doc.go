// Package boardtest has hardware made of files: pseudo terminals for serial ports, and a tree of folders for GPIO lines.
package boardtest
