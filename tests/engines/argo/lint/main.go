package main

import (
	_ "github.com/argoproj/argo-workflows/v4/workflow/validate"
)

func main() {}
