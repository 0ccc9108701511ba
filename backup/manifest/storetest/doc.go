// Package storetest checks that a store of manifests keeps what the engine in
// package backup relies on. Whoever writes a store calls Check in its tests.
package storetest
