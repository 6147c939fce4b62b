given("of-rgb_dense__timechat_online_25",{"outcomes":"211221212112212212211212","labels":null});
