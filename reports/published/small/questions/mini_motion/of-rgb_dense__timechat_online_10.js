given("of-rgb_dense__timechat_online_10",{"outcomes":"221111224144414122442414","labels":null});
