"""A hand put in: rules over datagrams, the interceptor of a running node, and steps one by one; without any screen."""
