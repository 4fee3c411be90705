import torch

from gen3d.flow.distill import critic_loss, student_loss


def test_critic_is_content_beyond_the_margin():
    assert critic_loss(torch.tensor([1.0, 3.0]), torch.tensor([-1.0, -2.0])) == 0
    assert critic_loss(torch.tensor([0.0]), torch.tensor([0.0])) == 2


def test_student_learns_from_the_critic_without_changing_it():
    critic = torch.nn.Linear(3, 1)
    features = torch.randn(4, 3, requires_grad=True)
    student_loss(critic, features).backward()
    assert features.grad is not None
    assert torch.allclose(features.grad, -critic.weight.detach().expand(4, 3) / 4)
    assert critic.weight.grad is None
