// Package carriers is tests alone: what package sis has to do, over the carriers it does not know itself.
package carriers
