-- An alert that also goes to whoever lives within 200 m, and leaves out homes that are known too badly.
update alert set buffer_m = 200, leave_out_from_m = 500 where id = md5('alert submetido')::uuid;
