given("of-rgb__videoscan_10",{"outcomes":"333333323322332133323323","labels":null});
