// Package archtest holds the import arrows of the module as a test. A new
// arrow is a reviewed line there.
package archtest
