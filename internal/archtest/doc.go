// Package archtest holds as tests what reviews would otherwise have to see: the
// import arrows of the module, that what is exported is documented, and that
// functions and files stay short. A new arrow is a reviewed line there.
package archtest
