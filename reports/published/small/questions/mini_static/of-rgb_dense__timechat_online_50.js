given("of-rgb_dense__timechat_online_50",{"outcomes":"121221212121212212212112","labels":null});
