package iamsim

var StatementPlace = statementPlace
