-- Who asks for everything that is kept of them is also told what others did to their account, such as giving it
-- another role. Policies add up: this one stands beside `seen`.
create policy about_oneself on audit_entries for select to truthtok_gateway
using (target = 'user:' || (select asking_user())::text);
