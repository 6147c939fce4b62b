given("of-rgb__timechat_online_10",{"outcomes":"333321333332132333221332","labels":null});
