//! The server as its callers see it: over a port of its own or over a channel in the same process.

#![cfg(test)]

mod account;
mod addresses;
mod compatible;
mod executions;
mod hooks;
mod links;
mod logs;
mod planner;
mod plans;
mod previews;
mod retention;
mod serving;
mod support;
mod watching;
