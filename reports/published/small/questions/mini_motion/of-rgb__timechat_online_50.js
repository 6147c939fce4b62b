given("of-rgb__timechat_online_50",{"outcomes":"223333213321212331122331","labels":null});
