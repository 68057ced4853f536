//! From an issued alert to messages in people's hands, and the accounts of it.

mod audience;
mod sink;
mod town;
