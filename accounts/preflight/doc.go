// Package preflight looks whether accounts are set up right before they are trusted.
package preflight
