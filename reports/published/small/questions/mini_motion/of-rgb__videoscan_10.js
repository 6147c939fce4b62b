given("of-rgb__videoscan_10",{"outcomes":"321333223333212333332313","labels":null});
