given("of-rgb_dense__timechat_online_50",{"outcomes":"221111211221212122122111","labels":null});
