given("of-rgb__timechat_online_50",{"outcomes":"212333333333122333231332","labels":null});
