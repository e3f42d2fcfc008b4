package main

import "context"

func profanity(context.Context, *stage, func(result)) error { return nil }
