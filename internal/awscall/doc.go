// Package awscall holds what every driver does around a call of AWS: how often
// it is sent, how long an attempt may take, and how its failure is told in the
// words of package backup.
//
// Calls are of two sorts. What may be repeated is sent up to five times. What
// makes something and has no client token is sent once: the SDK's own retries
// of a 5xx or a broken connection would make it twice.
package awscall
