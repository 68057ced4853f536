//! How long a message waits for its commit.

use std::time::Duration;

/// Waits for a commit as long as anything is committed meanwhile. A backlog that is held back for what is live waits longer than the
/// patience; whoever sent it away would get it again, and the room that it holds would fill with what is in it already. `None` when
/// nothing at all was committed for as long as the patience lasts: then the journal cannot be written.
pub async fn patiently<T>(
    committed: impl Future<Output = T>,
    patience: Duration,
    commits: impl Fn() -> u64,
) -> Option<T> {
    let mut committed = std::pin::pin!(committed);
    let mut seen = commits();
    loop {
        if let Ok(answer) = tokio::time::timeout(patience, &mut committed).await {
            return Some(answer);
        }
        let now = commits();
        if now == seen {
            return None;
        }
        seen = now;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::task::Poll;

    use super::*;

    /// A commit that is ready when it is looked at for the n-th time; with no patience each look is a wait.
    async fn waits(ready_at: u32, commits: &[u64]) -> Option<u32> {
        let (looks, asked) = (Cell::new(0), Cell::new(0));
        let committed = std::future::poll_fn(|_| {
            looks.set(looks.get() + 1);
            if looks.get() == ready_at { Poll::Ready(ready_at) } else { Poll::Pending }
        });
        let count = || {
            let now = commits.get(asked.get()).or(commits.last()).copied().unwrap_or(0);
            asked.set(asked.get() + 1);
            now
        };
        patiently(committed, Duration::ZERO, count).await
    }

    #[tokio::test]
    async fn what_is_held_back_waits_as_long_as_others_are_committed() {
        assert_eq!(waits(4, &[7, 8, 9, 10]).await, Some(4));
    }

    #[tokio::test]
    async fn a_journal_that_takes_nothing_is_not_waited_for() {
        assert_eq!(waits(9, &[7, 8, 8]).await, None);
        assert_eq!(waits(9, &[7]).await, None);
    }
}
